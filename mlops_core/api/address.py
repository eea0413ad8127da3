"""Where the app is reached: decides the prefix of the API and the address that is announced."""

PREFIX = "/api/v1"
EVERYWHERE = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "[::1]"}  # noqa: S104  read, not bound


def format_url(host: str, port: int) -> str:
    """Give the address at which a browser on this machine reaches a server.

    >>> format_url("::", 8501), format_url("localhost", 80)
    ('http://[::1]:8501', 'http://localhost:80')
    """
    return f"http://{EVERYWHERE.get(host) or (f'[{host}]' if ':' in host else host)}:{port}"
