"""``python -m tests.convert.interop`` measures the table anew, and writes it into its page."""

from tests.convert.interop import table

if __name__ == "__main__":
    table.rewrite()
    print(table.written())
