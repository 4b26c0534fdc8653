"""What the exchange is measured against, each as its own users would run it. Those with packages of their own live in
an environment of their own, locked beside them.
"""
