"""The file-watching process: a separate program, started by the daemon if a process has `watch`.

    __main__    the process: waits for events, or polls if the system has no room for watches; reports changes
    tree*       the watched folders and files, and what has changed since the last look
    ignoring*   rules of .gitignore files
    patterns*   converts globs to regular expressions

Starred modules are independent of events. The daemon never imports this package, to save its memory where nothing is
watched.
"""
