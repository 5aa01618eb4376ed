"""Garbles `mojibake_readme.md` as an editor does that opens UTF-8 as Windows-1254 and drops what that page lacks (byte 9D)."""

from pathlib import Path

HERE = Path(__file__).resolve().parent


def garble(text: str) -> str:
    return text.encode().decode("cp1254", errors="ignore")


if __name__ == "__main__":
    text = (HERE / "mojibake_readme.md").read_text("utf-8")
    (HERE.parent / "mojibake" / "README.md").write_text(garble(text), "utf-8")
