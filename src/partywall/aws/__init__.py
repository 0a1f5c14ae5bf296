"""AWS access: partitions, regions, credentials, the transport, rate limits and the caller that retries."""
