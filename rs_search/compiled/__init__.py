"""What is compiled once a class, by msgspec and as generated Python: documents to instances and values.

Imported when the first row is made, not with the package: msgspec takes some milliseconds.
"""
