# SPDX-License-Identifier: MIT
from requests import Response, delete, get, head, patch, post, put, request  # noqa: F401
