"""A store that another process keeps open: its owner lends connections to it over a socket in the store's directory.

The socket can be reached by the user whose store it is, who could open the file as well; it takes statements as the
connection of a store does, so that every command works alike whether the store is its own or lent.
"""
