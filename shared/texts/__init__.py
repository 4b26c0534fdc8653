"""The words of this program in other languages: gettext catalogues, English as the source."""
