"""What every process of a round agrees on. Imports nothing, so that programs without the bridge can use it."""

TOKEN = "benchmark"
AES_KEY = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"
APP_ID = "wx0123456789abcdef"
ORIGINAL_ID = "gh_97417a04a28d"
PATH = "/hooks/shop"
DESK_TOKEN = "1-31-benchmark"


def openid(customer: int) -> str:
    return f"oBench{customer:022d}"
