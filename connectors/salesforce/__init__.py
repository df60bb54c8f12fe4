"""Salesforce Marketing Cloud: contacts, journeys, transactional e-mails, data extensions."""
