"""ActiveCampaign: contacts, tags, lists, automations and events of an account."""
