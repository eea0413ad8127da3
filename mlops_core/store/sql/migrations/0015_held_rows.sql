alter table runs add column held_from timestamptz
;
