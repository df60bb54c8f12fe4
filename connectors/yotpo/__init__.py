"""Yotpo Loyalty & Referrals: a shop's points, campaigns and redemptions."""
