-- For one statement that may take long and cannot stand in a transaction.
SET statement_timeout = 0;
SET lock_timeout = 0;
