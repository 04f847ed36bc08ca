"""The mount: one file per virtual directory, one adapter to pyfuse3. Below it, nothing knows of FUSE."""
