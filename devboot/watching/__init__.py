"""A process of its own that tells which watched files have changed; the daemon starts it when something has `watch`.

    __main__    the process: waits for events, or polls where the system has no room for them; answers in JSON lines
    tree*       what is there: folders worth watching, watched files as they were; what has changed since
    ignoring*   what .gitignore files say
    patterns*   globs to regular expressions

Starred modules know nothing of events. The daemon never imports this package: it costs memory that only those pay
who watch something.
"""
