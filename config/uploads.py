"""What is taken in of a file on its way here."""

from typing import Any

from django.conf import settings
from django.core.files.uploadhandler import FileUploadHandler, SkipFile


class CapHandler(FileUploadHandler):
    """Let go of a file that is larger than any we take, while it comes: it does not fill the disk.

    Its name is told in the request's `too_large`.
    """

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        super().new_file(*args, **kwargs)
        self._size = 0

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes:
        self._size += len(raw_data)
        if self._size > settings.MAX_UPLOAD_BYTES:
            assert self.request is not None
            names = [*getattr(self.request, "too_large", ()), str(self.file_name)]
            self.request.too_large = names  # type: ignore[attr-defined]
            raise SkipFile
        return raw_data

    def file_complete(self, file_size: int) -> None:
        """Leave the file to the next handler."""
