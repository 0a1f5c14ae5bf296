"""Evidence: raw answers with their hashes, attestations, AWS Artifact, and packs for auditors."""
