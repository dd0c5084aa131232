"""reelsense: Korean film reviews, collected, scored and understood."""
