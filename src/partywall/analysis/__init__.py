"""What SQL cannot say: steps with declared inputs and an output each."""
