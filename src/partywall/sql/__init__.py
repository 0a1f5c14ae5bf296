"""The portable SQL of checks: parsed, typed, lowered to each engine, and proven never to hide an unknown."""
