"""OSCAL documents of a scan: component definition, system security plans, assessment, plan of action."""
