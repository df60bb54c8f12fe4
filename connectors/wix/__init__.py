"""Wix: contacts, orders and redemptions are polled; loyalty points, coupons and labels go out."""
