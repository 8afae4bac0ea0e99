"""What connectors of one platform family share: packets, bodies and texts are the same for both of its products.

No connector: it has no account and no entry point.
"""
