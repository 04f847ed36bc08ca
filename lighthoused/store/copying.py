"""A consistent copy of the store's file, also while a daemon writes it: LMDB allows readers in other processes."""

from pathlib import Path
from types import TracebackType

import lmdb

from lighthoused.core.errors import NotFound, StoreFailed
from lighthoused.core.events import GENESIS
from lighthoused.store.environment import translate
from lighthoused.store.schema import HASH_SIZE, LOG, TABLES, number

DATA = "data.mdb"


class Copy:
    """Opens the store in `directory` for reading; `seq` and `head` are of the newest event that is surely in it."""

    def __init__(self, directory: Path) -> None:
        if not (directory / DATA).exists():
            raise NotFound(f"There is no store in {directory}.", "Name the daemon's directory with --state.")
        self._directory = directory

    def __enter__(self) -> "Copy":
        try:
            self._env = lmdb.open(str(self._directory), readonly=True, max_dbs=len(TABLES), readahead=True)
        except lmdb.Error as error:
            raise translate(error, f"The store in {self._directory} could not be opened") from None
        self.seq, self.head = self._newest()
        info = self._env.info()
        self.size = (info["last_pgno"] + 1) * self._env.stat()["psize"]
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._env.close()

    def _newest(self) -> tuple[int, str]:
        log = self._env.open_db(LOG.name.encode(), create=False)
        with self._env.begin(db=log) as txn, txn.cursor() as cursor:
            if not cursor.last():
                return 0, GENESIS.hex()
            return number(cursor.key()), bytes(cursor.value()[:HASH_SIZE]).hex()

    def write(self, descriptor: int) -> None:
        """Write the file as of now. Raises StoreFailed, also where nobody reads on."""
        try:
            self._env.copyfd(descriptor, compact=False)
        except lmdb.Error as error:
            raise StoreFailed(f"The store could not be copied: {error}.") from None
