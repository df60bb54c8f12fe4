"""Pages that members and customers open by a link from a message: no sign-in, no cookie.

The link is the authority: who has it may do what its page offers and nothing else. Opening a
page changes nothing, because mail scanners open every link; only a form that is sent does.
"""
