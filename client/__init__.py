"""What runs inside the perimeter of an authority, an operator or an auditor, and holds its keys."""
