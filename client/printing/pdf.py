"""HTML to PDF, by WeasyPrint where it is installed (`comity[pdf]`, Debian's Pango). It fetches nothing."""

from __future__ import annotations

from typing import Any

from shared.errors import PrintingUnusable


def pdf_of(page: str) -> bytes:
    """The page as PDF. Raises PrintingUnusable where it cannot be made here."""
    try:
        from weasyprint import HTML
        from weasyprint.urls import URLFetcher
    except ImportError as missing:
        raise PrintingUnusable(why=f"{missing.name or 'weasyprint'} is not installed") from None
    except OSError as missing:
        raise PrintingUnusable(why=f"a library of the system is missing: {str(missing).splitlines()[0]}") from None
    made: Any = HTML(string=page, url_fetcher=URLFetcher(allowed_protocols=())).write_pdf()
    return bytes(made)
