"""From ingested logs to stored detections: what is new is evaluated, the same twice gives nothing new."""
