from pydantic_settings import BaseSettings


class Settings(BaseSettings):
    secret_key: str
    notes_database: str = "notes.db"


settings = Settings()
