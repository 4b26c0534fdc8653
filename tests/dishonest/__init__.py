"""The operator, dishonest: every change that it can make to what it keeps, against the parties' and auditors' code."""
