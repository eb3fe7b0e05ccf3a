# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT
"""InvenioRDM's own UI and REST application, with every body byte that passes through it counted.

One line per request goes to the file named by DEMO_REQUEST_LOG: method, status, bytes of the request
body that the application read, bytes of the response body that it sent, path.
"""

import os

from invenio_app.factory import create_app


class CountedInput:
    """A request body that knows how much of it was read."""

    def __init__(self, stream):
        """Wraps *stream*."""
        self.stream, self.size_bytes = stream, 0

    def _counted(self, data):
        self.size_bytes += len(data)
        return data

    def read(self, *args):
        """As the stream's own."""
        return self._counted(self.stream.read(*args))

    def readline(self, *args):
        """As the stream's own."""
        return self._counted(self.stream.readline(*args))

    def readlines(self, *args):
        """As the stream's own."""
        return [self._counted(line) for line in self.stream.readlines(*args)]

    def __iter__(self):
        """Line by line."""
        return (self._counted(line) for line in self.stream)


class CountedOutput:
    """A response body that writes its line when the server is done with it."""

    def __init__(self, chunks, done):
        """Wraps *chunks*; *done* is called once with the number of bytes sent."""
        self.chunks, self.done, self.size_bytes = chunks, done, 0

    def __iter__(self):
        """Chunk by chunk, as the application gives them."""
        for chunk in self.chunks:
            self.size_bytes += len(chunk)
            yield chunk

    def close(self):
        """Called by the server at the end, also when the client went away."""
        try:
            if hasattr(self.chunks, "close"):
                self.chunks.close()
        finally:
            self.done(self.size_bytes)


class Meter:
    """WSGI middleware that counts."""

    def __init__(self, app, path):
        """Appends to the file at *path*; one short write per line keeps parallel workers apart."""
        self.app, self.log = (
            app,
            os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644),
        )

    def __call__(self, environ, start_response):
        """Runs the request."""
        body = environ["wsgi.input"] = CountedInput(environ["wsgi.input"])
        method, path, status = environ["REQUEST_METHOD"], environ["PATH_INFO"], ["-"]

        def note_status(line, headers, exc_info=None):
            status[0] = line[:3]
            return start_response(line, headers, exc_info)

        def done(sent_bytes):
            line = f"{method} {status[0]} {body.size_bytes} {sent_bytes} {path}\n"
            os.write(self.log, line.encode("utf-8", "replace"))

        return CountedOutput(self.app(environ, note_status), done)


application = Meter(create_app(), os.environ["DEMO_REQUEST_LOG"])
