-- What a version was trained with, by package; of those registered before nobody knows.
alter table versions add column libraries varchar default '{}';
