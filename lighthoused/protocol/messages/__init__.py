"""Every request, reply and error of the protocol, once. Dispatch, clients and docs/protocol.md derive from here.

A request is a map ``{"method": ..., "id": ..., ...parameters}``; `id` is the client's, unique among its open requests.
Answers carry the id: ``{"id", "result"}`` or ``{"id", "error": {"code", "message", "hint"}}``. A streaming method first
sends any number of ``{"id", "item"}`` and ends with a result or an error. Over msgpack a payload is a nested value.
"""
