-- a copy can neither sign return addresses nor accept answers to those of the original
DELETE FROM notify_return_key;
