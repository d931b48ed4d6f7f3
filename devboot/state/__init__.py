"""Where devboot keeps what belongs to a project: only this package knows the folders.

    <user state directory>/projects/<name>-<key>/    leases, locks, ports, snapshot, logs, generations, detected.toml
    <user data directory>/projects/<name>-<key>/     service data, generated secrets, backups, stamps of tasks

    projects*    the folders of a project, and the root of the project that a command means: imported by fast commands
    project      the same for the slow path: a value with root, manifest and folders
    records      which folder a project's folders were made for: path, device, inode, time of birth
    claiming     makes the folders; recognises a project that was moved, and puts aside what belongs to another one
    earlier      takes over the data that earlier versions kept in the clone
    housekeeping list, take over and remove folders of projects that are gone

Nothing is written into a clone, and nothing in a clone says where devboot keeps things: a clone may be hostile, and a
watcher of the clone would see each line of a log. The rest of devboot gets the folders handed in.
"""
