"""How a party signs its calls (a strict profile of RFC 9421), and how the exchange signs its receipts."""
