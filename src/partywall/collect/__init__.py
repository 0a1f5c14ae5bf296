"""Collection: from demanded columns to API calls to stored rows."""
