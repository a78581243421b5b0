"""``python -m alen``: the command where no script is installed, or the interpreter matters."""

from alen.cli.main import main

raise SystemExit(main())
