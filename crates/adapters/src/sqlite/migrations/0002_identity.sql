-- Before: API keys without a plan. After: a key can name the plan that it is limited by.

ALTER TABLE waypost_api_key ADD COLUMN plan TEXT;
