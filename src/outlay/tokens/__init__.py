"""Token economics: what prompts weigh, what repeats in them, and what that costs."""
