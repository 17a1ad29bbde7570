-- SPDX-License-Identifier: Apache-2.0

-- name: position_raise
SELECT webmunk.position_raise();

-- name: position_follow
-- The same at the price of one row, for who connects often: arrivals are folded every minute, so their mark is near
-- the highest position.
SELECT CASE WHEN position >= webmunk.position_next() THEN webmunk.position_raise() ELSE false END FROM webmunk.arrival_mark;
