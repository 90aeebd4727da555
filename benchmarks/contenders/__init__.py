"""
Contenders: programs that do the same work in different ways, each in a process of its own.

They are run as files, with the interpreter of the environment that has what they use: what is
beside this file is all that they share, and nothing in it imports this project by chance.
"""
