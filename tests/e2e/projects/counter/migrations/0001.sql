create table words (word text not null);
