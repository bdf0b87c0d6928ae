"""GitHub webhooks in and API calls out."""
