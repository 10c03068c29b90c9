-- Nanoseconds since 1970 by the clock that decides.
SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint * 1000;
