# SPDX-License-Identifier: MIT
#
# HTTP for scripts: requests.get(url).text and the like, without TLS. urequests is the same.
import socket

_HEAD_MAX = 8192


class Response:
    def __init__(self, s):
        self.raw = s
        self.encoding = "utf-8"
        self.headers = {}
        self._left = None  # bytes of the body that are still to come, None = until the end of the connection
        self._chunked = False
        self._content = None
        parts = self._line().split(None, 2)
        if len(parts) < 2 or not parts[0].startswith(b"HTTP/"):
            raise OSError(5, "no HTTP answer but %r" % b" ".join(parts)[:40])
        self.status_code = int(parts[1])
        self.reason = parts[2].strip().decode() if len(parts) > 2 else ""
        size = 0
        while True:
            line = self._line()
            size += len(line)
            if size > _HEAD_MAX:
                raise OSError(5, "the headers are longer than %d bytes" % _HEAD_MAX)
            if line in (b"\r\n", b"\n", b""):
                break
            name, _, value = line.decode().partition(":")
            self.headers[name.strip()] = value = value.strip()
            name = name.lower()
            if name == "content-length":
                self._left = int(value)
            elif name == "transfer-encoding" and "chunked" in value.lower():
                self._chunked = True

    def _line(self):
        return self.raw.readline()

    def _read_body(self):
        if self._chunked:
            body = b""
            while True:
                size = int(self._line().split(b";")[0] or b"0", 16)
                if size == 0:
                    return body
                body += self.raw.read(size)
                self._line()
        if self._left is None:
            return self.raw.read()
        body = self.raw.read(self._left)
        if len(body) < self._left:
            raise OSError(104, "the connection ended after %d of %d bytes" % (len(body), self._left))
        return body

    @property
    def content(self):
        if self._content is None:
            try:
                self._content = self._read_body()
            finally:
                self.close()
        return self._content

    @property
    def text(self):
        return str(self.content, self.encoding)

    def json(self):
        import json

        return json.loads(self.content)

    def close(self):
        if self.raw:
            self.raw.close()
            self.raw = None

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.close()


def request(method, url, data=None, json=None, headers=None, stream=None, auth=None, timeout=None, parse_headers=True):
    scheme, _, rest = url.partition("://")
    host, _, path = rest.partition("/")
    if scheme != "http" or not host:
        raise ValueError("%s: it is http://HOST/PATH; there is no TLS here" % url)
    name, _, port = host.partition(":")
    fields = {"Host": host, "Connection": "close"}
    if json is not None:
        import json as j

        data = j.dumps(json)
        fields["Content-Type"] = "application/json"
    if isinstance(data, str):
        data = data.encode()
    if data is not None:
        fields["Content-Length"] = str(len(data))
    if auth is not None:
        import binascii

        fields["Authorization"] = "Basic " + binascii.b2a_base64(("%s:%s" % auth).encode())[:-1].decode()
    fields.update(headers or {})
    address = socket.getaddrinfo(name, int(port or 80))[0][-1]
    s = socket.socket()
    try:
        s.settimeout(timeout)
        s.connect(address)
        head = "%s /%s HTTP/1.0\r\n" % (method, path)
        head += "".join("%s: %s\r\n" % item for item in fields.items())
        s.write(head.encode() + b"\r\n")
        if data is not None:
            s.write(data)
        return Response(s)
    except Exception:
        s.close()
        raise


def get(url, **options):
    return request("GET", url, **options)


def head(url, **options):
    return request("HEAD", url, **options)


def post(url, **options):
    return request("POST", url, **options)


def put(url, **options):
    return request("PUT", url, **options)


def patch(url, **options):
    return request("PATCH", url, **options)


def delete(url, **options):
    return request("DELETE", url, **options)
