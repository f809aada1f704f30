"""The writers keep the contract."""

from tests.contracts.writer_contract import WriterContract


class TestPlainWriter(WriterContract):
    compression = "none"


class TestGzipWriter(WriterContract):
    compression = "gzip"


class TestZstdWriter(WriterContract):
    compression = "zstd"
