"""State and data folders of projects; only this package knows their paths.

    <user state directory>/projects/<name>-<key>/    leases, locks, ports, snapshot, logs, generations, detected.toml
    <user data directory>/projects/<name>-<key>/     service data, generated secrets, backups, stamps of tasks

    projects*    the folders of a project, and the project of the current folder: imported by fast commands
    project      the same for the slow path: a value with root, manifest and folders
    records      the owner of a project's folders: path, device, inode, time of birth
    claiming     creates the folders; recognises a moved project, and sets aside folders of another one
    earlier      moves data of earlier versions out of the clone
    housekeeping lists, adopts and removes folders of projects that are gone

Nothing is written into a clone, and nothing in a clone decides where devboot keeps things: a clone may be hostile, and
a watcher of the clone would see every log line. The rest of devboot receives the folders as arguments.
"""
