"""The members' side: the widget in a shop's page, the portal, and who is signed in."""
