"""What the bridge knows of waiting, answers and opinions: spans, sums, reports, exports, questions to customers."""
