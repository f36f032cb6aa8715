"""The ways to a guest: given to a domain, dialled, spoken over; and its memory."""
