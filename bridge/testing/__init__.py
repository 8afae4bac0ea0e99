"""What the authors of connectors test with: simulators, faults, a clock, the conformance suite."""
