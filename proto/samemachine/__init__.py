"""What the host agent and the guest agent must agree on, and nothing else.

``v1/guest.proto`` and its stubs are the wire contract; ``session`` frames one HTTP/2 connection
over a byte stream that has no connections; ``pump`` joins such a stream to gRPC's own socket.
"""
